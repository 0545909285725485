/** The download as a program does it; each snippet works as it stands once the token is in the environment. */
export interface Snippet {
  label: string;
  text: string;
}

export function snippetsFor(origin: string, projectId: number): Snippet[] {
  const address = `${origin}/api/v1/projects/${projectId}/comparisons`;
  return [
    {
      label: "curl",
      text: [
        `curl --fail --output comparisons.jsonl \\`,
        `  --header "Authorization: Bearer $PLACKETT_TOKEN" \\`,
        `  "${address}?format=jsonl"`,
      ].join("\n"),
    },
    {
      label: "datasets",
      text: [
        "# pip install datasets aiohttp",
        "import os",
        "from datasets import load_dataset",
        "",
        `url = "${address}?format=jsonl"`,
        `headers = {"Authorization": f"Bearer {os.environ['PLACKETT_TOKEN']}"}`,
        "comparisons = load_dataset(",
        '    "json", data_files=url, split="train",',
        '    storage_options={"client_kwargs": {"headers": headers}},',
        ")",
      ].join("\n"),
    },
    {
      label: "pandas",
      text: [
        "# pip install pandas",
        "import os",
        "import pandas as pd",
        "",
        "comparisons = pd.read_json(",
        `    "${address}?format=jsonl", lines=True,`,
        `    storage_options={"Authorization": f"Bearer {os.environ['PLACKETT_TOKEN']}"},`,
        ")",
      ].join("\n"),
    },
  ];
}
