"""A page in a real browser without a screen: Chromium, as Qt brings it (the `browser` extra).

A program of its own, so that Qt and what it prints stay out of pytest:
`python tests/browser.py '{"url": ..., "script": ...}'` prints one JSON object, last.
"""

import json
import os
import sys
from typing import Any

DEFAULTS = {"width": 1200, "height": 900, "dark": False, "screenshot": None, "wait": 200}


def visit(given: dict[str, Any]) -> dict[str, Any]:
    """Open `url`, wait so many milliseconds, and evaluate `script` in it: its value, as JSON has
    it, under `found`; whether the page loaded; what the console said.
    """
    scheme = 0 if given["dark"] else 1
    flags = f"--no-sandbox --disable-gpu --blink-settings=preferredColorScheme={scheme}"
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_CHROMIUM_FLAGS": flags}
    from PySide6.QtCore import QTimer, QUrl
    from PySide6.QtWebEngineCore import QWebEnginePage
    from PySide6.QtWebEngineWidgets import QWebEngineView
    from PySide6.QtWidgets import QApplication

    outcome: dict[str, Any] = {"loaded": False, "console": [], "found": None}

    class Page(QWebEnginePage):
        def javaScriptConsoleMessage(self, level, message, line, source) -> None:
            outcome["console"].append(f"{level.name}: {message} ({source}:{line})")

    def loaded(well: bool) -> None:
        outcome["loaded"] = well
        QTimer.singleShot(given["wait"], lambda: page.runJavaScript(wrapped, 0, evaluated))

    def evaluated(value: str) -> None:
        outcome["found"] = json.loads(value or "null")
        if given["screenshot"]:
            view.grab().save(given["screenshot"])
        application.quit()

    wrapped = f"JSON.stringify((() => {{ {given['script']} }})())"
    application = QApplication(["browser"])
    view = QWebEngineView()
    page = Page(view)
    view.setPage(page)
    view.resize(given["width"], given["height"])
    page.loadFinished.connect(loaded)
    view.show()
    view.load(QUrl(given["url"]))
    QTimer.singleShot(40_000, application.quit)
    application.exec()
    return outcome


if __name__ == "__main__":
    print(json.dumps(visit(DEFAULTS | json.loads(sys.argv[1]))), flush=True)
    os._exit(0)  # Qt's own end may hang or crash; everything is said
