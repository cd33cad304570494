"""The look of the hub: colours, fonts that come with Gradio (no font is fetched), and the page's own script."""

from __future__ import annotations

import gradio as gr

from core.settings import ROOT

CSS_FILES = [ROOT / "assets" / "style.css"]

# Deep water and paper: one cool hue for what can be pressed, one warm mark for what needs an eye.
SEA = gr.themes.Color(
    "#ebf6f5", "#d0ebe8", "#a4d8d3", "#6ebdb9", "#3f9f9e", "#1d8386",
    "#0f6a70", "#0d545a", "#0e4449", "#0e383c", "#062427", name="sea",
)  # fmt: skip
INK = gr.themes.Color(
    "#f6f8f8", "#edf1f1", "#dbe2e2", "#bac6c7", "#8b9a9d", "#677779",
    "#4d5d60", "#3b4a4d", "#243236", "#16211f", "#0c1415", name="ink",
)  # fmt: skip

HEAD = (
    '<meta name="color-scheme" content="light dark">'
    '<meta name="description" content="Ask for things in plain words; get them from your pictures.">'
)

PAGE_SCRIPT = (ROOT / "assets" / "page.js").read_text(encoding="utf-8")  # keys, and the address of the open tab


def _font(name: str) -> gr.themes.LocalFont:
    """A font that comes with Gradio, in the two weights whose files hold Latin letters.

    Of Gradio 6.31's sixteen families only six do (measured by text width in chromium): IBM Plex Sans, IBM Plex Mono,
    Inconsolata, Montserrat, Quicksand and Source Sans Pro, in Regular and Bold.
    """
    return gr.themes.LocalFont(name, weights=(400, 700))


_LOOK = {
    "body_background_fill": "#f3f6f5",
    "body_background_fill_dark": "#0c1415",
    "body_text_color": "#16211f",
    "body_text_color_dark": "#e7eeed",
    "body_text_color_subdued": "#4d5d60",
    "body_text_color_subdued_dark": "#a6b5b7",
    "background_fill_primary": "#ffffff",
    "background_fill_primary_dark": "#121c1e",
    "background_fill_secondary": "#f6f8f8",
    "background_fill_secondary_dark": "#172325",
    "border_color_primary": "#d5dddd",
    "border_color_primary_dark": "#2a3a3d",
    "block_background_fill": "#ffffff",
    "block_background_fill_dark": "#121c1e",
    "block_border_width": "1px",
    "block_border_color": "#dbe2e2",
    "block_border_color_dark": "#263639",
    "block_shadow": "none",
    "block_label_background_fill": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_label_border_width": "0px",
    "block_label_text_color": "#4d5d60",
    "block_label_text_color_dark": "#a6b5b7",
    "block_title_text_color": "#243236",
    "block_title_text_color_dark": "#dbe2e2",
    "block_title_text_weight": "600",
    "block_info_text_color": "#56666a",
    "block_info_text_color_dark": "#9badaf",
    "input_background_fill": "#ffffff",
    "input_background_fill_dark": "#0f181a",
    "input_border_color": "#b4c0c1",
    "input_border_color_dark": "#3b4d51",
    "input_border_color_focus": "*primary_600",
    "input_border_color_focus_dark": "*primary_300",
    "input_shadow": "none",
    "input_shadow_focus": "0 0 0 3px #0f6a7033",
    "input_shadow_focus_dark": "0 0 0 3px #6ebdb944",
    "input_placeholder_color": "#66777a",
    "input_placeholder_color_dark": "#7f9194",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_dark": "*primary_300",
    "button_primary_background_fill_hover_dark": "*primary_200",
    "button_primary_text_color": "#ffffff",
    "button_primary_text_color_dark": "#06201f",
    "button_primary_border_color": "*primary_600",
    "button_primary_border_color_dark": "*primary_300",
    "button_secondary_background_fill": "#ffffff",
    "button_secondary_background_fill_hover": "#edf3f2",
    "button_secondary_background_fill_dark": "#172325",
    "button_secondary_background_fill_hover_dark": "#20302f",
    "button_secondary_border_color": "#b4c0c1",
    "button_secondary_border_color_dark": "#3b4d51",
    "button_secondary_text_color": "#16211f",
    "button_secondary_text_color_dark": "#e7eeed",
    "button_cancel_background_fill": "#fff4ec",
    "button_cancel_background_fill_dark": "#2b1d13",
    "button_cancel_border_color": "#c9611f",
    "button_cancel_border_color_dark": "#e08a4d",
    "button_cancel_text_color": "#8f3f0d",
    "button_cancel_text_color_dark": "#f4b78c",
    "button_transition": "background-color .12s, border-color .12s",
    "slider_color": "*primary_600",
    "slider_color_dark": "*primary_300",
    "color_accent": "*primary_600",
    "color_accent_soft": "*primary_50",
    "color_accent_soft_dark": "#173134",
    "link_text_color": "*primary_700",
    "link_text_color_dark": "*primary_200",
    "checkbox_background_color_selected": "*primary_600",
    "checkbox_background_color_selected_dark": "*primary_500",
    "checkbox_border_color": "#8b9a9d",
    "checkbox_border_color_dark": "#5a6d71",
    "checkbox_label_background_fill_selected": "*primary_50",
    "checkbox_label_background_fill_selected_dark": "#173134",
    "checkbox_label_border_color_selected": "*primary_600",
    "checkbox_label_border_color_selected_dark": "*primary_400",
    "loader_color": "*primary_600",
    "loader_color_dark": "*primary_300",
}


def _theme() -> gr.themes.Base:
    """One theme, light and dark, on Gradio's bare base."""
    base = gr.themes.Base(
        primary_hue=SEA,
        secondary_hue=SEA,
        neutral_hue=INK,
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_md,
        text_size=gr.themes.sizes.text_md,
        font=[_font("Source Sans Pro"), gr.themes.LocalFont("Montserrat", weights=(700,)), "system-ui", "sans-serif"],
        font_mono=[_font("IBM Plex Mono"), "ui-monospace", "monospace"],
    )
    return base.set(**_LOOK)


THEME = _theme()
