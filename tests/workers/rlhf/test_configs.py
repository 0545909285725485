import subprocess
import sys

import pytest

from workers.rlhf.configs import RECIPES, config_from, validate


@pytest.mark.parametrize("kind", RECIPES)
def test_the_defaults_are_valid_and_described(kind: str) -> None:
    config = RECIPES[kind]()
    validate(config)
    for field in RECIPES[kind].__dataclass_fields__.values():
        if field.name != "__pydantic_config__":
            assert field.metadata["title"]
            assert field.metadata["description"].endswith(".")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs: must be at least 1"),
        ({"epochs": True}, "epochs: must be a whole number"),
        ({"epochs": 1.5}, "epochs: must be a whole number"),
        ({"learning_rate": float("nan")}, "learning_rate: must be finite"),
        ({"learning_rate": "fast"}, "learning_rate: must be a number"),
        ({"method": "prefix"}, "method: must be one of lora, full"),
        ({"betta": 1}, "betta: is no setting of ppo"),
        ({"trace": 1.5}, "trace: must be at most 1"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config_from("ppo", values)


def test_a_text_is_a_text_and_no_novel() -> None:
    assert config_from("evaluate", {"flags": "sea: water"}).flags == "sea: water"
    for value in (7, None, "x" * 2001, "a\0b"):
        with pytest.raises(ValueError, match="flags: must be a text"):
            config_from("evaluate", {"flags": value})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        config_from("dream", {})


def test_the_configurations_need_no_torch() -> None:
    code = "import sys, workers.rlhf.configs; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
