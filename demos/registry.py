"""The tabs of the hub in the order on the screen: the only list of them. An unfinished tab does not stand here."""

from __future__ import annotations

from demos.base import Demo
from demos.enhancement.tab import DEMO as ENHANCEMENT
from demos.gaussians.tab import DEMO as GAUSSIANS
from demos.models_page.tab import PAGE as MODELS_PAGE
from demos.papers.tab import PAGE as PAPERS_PAGE
from demos.segmentation.tab import DEMO as SEGMENTATION
from demos.separation.tab import DEMO as SEPARATION
from demos.zero_shot.tab import DEMO as ZERO_SHOT

DEMOS: tuple[Demo, ...] = (ZERO_SHOT, SEGMENTATION, GAUSSIANS, SEPARATION, ENHANCEMENT)
PAGES: tuple[Demo, ...] = (MODELS_PAGE, PAPERS_PAGE)  # about the hub itself
