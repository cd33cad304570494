"""This tab alone: ``python -m demos.separation``."""

from __future__ import annotations

from core.settings import set_quiet_environment


def main() -> None:
    """Serve the tab without the shell around it."""
    set_quiet_environment()
    import gradio as gr

    from demos.separation.tab import DEMO
    from demos.theme import CSS_FILES, PAGE_SCRIPT, THEME

    with gr.Blocks(title=DEMO.title, analytics_enabled=False) as page:
        DEMO.build()
    page.queue().launch(theme=THEME, css_paths=CSS_FILES, js=PAGE_SCRIPT, ssr_mode=False)


if __name__ == "__main__":
    main()
