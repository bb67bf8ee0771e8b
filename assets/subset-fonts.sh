#!/usr/bin/env bash
# Makes the two embedded fonts from Debian's fonts-noto-cjk (Noto Sans CJK SC, OFL 1.1): every character of GB 2312, Latin-1
# and the punctuation the screens use. Needed only when the character set changes: apt-get install fonts-noto-cjk fonttools python3-cffsubr
set -euo pipefail
cd "$(dirname "$0")/fonts"
chars=$(mktemp); trap 'rm -f "$chars"' EXIT
python3 - "$chars" <<'PY'
import sys
keep = {chr(c) for c in range(0x20, 0x7F)} | {chr(c) for c in range(0xA0, 0x100)}
keep |= set("‐–—‘’“”•…‰′″€™←↑→↓↔⇧⌫⏎≈≠≤≥−∞✓✗●○◆◇■□▲△▼▽★☆℃№·")
for hi in range(0xA1, 0xF8):
    for lo in range(0xA1, 0xFF):
        try: keep.add(bytes((hi, lo)).decode("gb2312"))
        except UnicodeDecodeError: pass
open(sys.argv[1], "w", encoding="utf-8").write("".join(sorted(keep)))
PY
for weight in Regular Bold; do
	# Font 2 of the collection is the simplified-Chinese face.
	pyftsubset "/usr/share/fonts/opentype/noto/NotoSansCJK-$weight.ttc" --font-number=2 --text-file="$chars" \
		--layout-features=kern,ccmp,mark --no-hinting --desubroutinize --output-file="CloudKeySans-$weight.otf"
	# Subsetting unrolls the shared outlines; folding them again saves a third of the size.
	/usr/bin/python3 -m cffsubr --inplace "CloudKeySans-$weight.otf"
done
