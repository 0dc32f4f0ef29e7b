"""Take the pictures of pages anew: `python docs/pictures.py [FOLDER]` writes `report.png`, the HTML report as a browser shows it.

Pictures that are text (`check.svg`, `graph.svg`, `architecture.svg`) are made by `docs/generate.py`, and compared by the tests. This one
depends on the browser and its fonts, so it is taken by hand, or by a CI, when the report looks different.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 1280, 860


def report(to: Path) -> None:
    """Write the picture of the HTML report of an audit to a file; raises FileNotFoundError without Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise FileNotFoundError("no Chromium is installed")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "audit.html")
        command = [sys.executable, "-m", "lwlint", "audit", "fixtures/sos/mitaka-full", "--format", "html"]
        page.write_text(subprocess.run(command, cwd=HERE.parent, text=True, stdout=subprocess.PIPE).stdout, "utf-8")
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile"]
        taken = [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={to}", page.as_uri()]
        subprocess.run([browser, *flags, *taken], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    report(Path(sys.argv[1] if len(sys.argv) > 1 else HERE).resolve() / "report.png")
