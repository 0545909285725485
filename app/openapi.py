"""Write the API's schema, from which the browser's types are generated: `python -m app.openapi [FILE]`."""

import json
import sys
from pathlib import Path

from app.main import create_app

DEFAULT = Path(__file__).parent.parent / "frontend" / "openapi.json"


def main() -> None:
    """Write the schema to the given file, or to the one the frontend reads."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    target.write_text(json.dumps(create_app().openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
