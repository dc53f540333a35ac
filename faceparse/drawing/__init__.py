"""Pictures and tables for people to read: overlays, contact sheets, charts; and contours filled into label maps."""
from faceparse.drawing.charts import bar_chart, line_chart
from faceparse.drawing.overlays import colourise, draw_overlay, draw_points, overlay, save_mask, save_picture
from faceparse.drawing.sheets import contact_sheet, stack
from faceparse.drawing.tables import NEVER_PREDICTED, markdown, score, table
