# SPDX-License-Identifier: GPL-2.0-or-later
"""Paints a terminal's screen, as `tmux capture-pane -e` prints it: paint.py SCREEN PICTURE.png"""

import re
import sys
import unicodedata

from PIL import Image, ImageDraw, ImageFont

SIZE = 14
FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono%s.ttf"
BACK, FORE, DIM = "#1c1e24", "#d6d8de", "#868b96"
COLORS = ["#4a4e58", "#ef6b73", "#8cc570", "#e0b35c", "#6aa6f0", "#c687dc", "#5cbfc7", "#d6d8de"]


def cells(line):
    """Each character of a line with its look."""
    look = {"bold": False, "dim": False, "reverse": False, "fore": None}
    for codes, char in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b])", line):
        if char:
            yield char, dict(look)
            continue
        for code in (int(each or 0) for each in codes.split(";")):
            if code == 0:
                look.update(bold=False, dim=False, reverse=False, fore=None)
            elif code in (1, 2, 7):
                look[{1: "bold", 2: "dim", 7: "reverse"}[code]] = True
            elif 30 <= code <= 37:
                look["fore"] = COLORS[code - 30]
            elif code == 39:
                look["fore"] = None


def main(screen, picture):
    lines = open(screen, encoding="utf-8").read().split("\n")[:-1]
    normal, bold = (ImageFont.truetype(FONTS % kind, SIZE) for kind in ("", "-Bold"))
    wide, high = round(normal.getlength("M")), SIZE + 5
    columns = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
    image = Image.new("RGB", ((columns + 2) * wide, (len(lines) + 1) * high), BACK)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        column = 1
        for char, look in cells(line):
            fore = look["fore"] or (DIM if look["dim"] else FORE)
            at = (column * wide, row * high + high // 2)
            if look["reverse"]:
                draw.rectangle((at[0], at[1], at[0] + wide - 1, at[1] + high - 1), fill="#3b4252")
            draw.text((at[0], at[1] + 1), char, fill=fore, font=bold if look["bold"] else normal)
            column += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    image.save(picture, optimize=True)


main(*sys.argv[1:])
