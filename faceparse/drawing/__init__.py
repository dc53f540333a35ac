"""Tables, overlays, contact sheets, charts, and smooth contours filled with antialiased edges."""
from faceparse.drawing.charts import HEIGHT, SERIES_COLOURS, SMOOTH, bar_chart, line_chart
from faceparse.drawing.overlays import GREY, colourise, draw_points, overlay, save_mask, save_picture
from faceparse.drawing.sheets import (FAINT, GRID, INK, PAPER, contact_sheet, draw_text, label_key, legend_strip, stack,
                                      text_width)
from faceparse.drawing.tables import NEVER_PREDICTED, markdown, score, table
