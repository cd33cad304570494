"""Image enhancement: backlit and badly lit photos rescued at full resolution, guided by CLIP's idea of good light."""
