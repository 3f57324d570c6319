"""Chromium for tests, where it is installed, and what is asked of a page as it looks.

Out: `chromium`, a context manager; `texts_with_little_contrast`, `overlaps`, `different_rows`.
"""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = "chromium is not installed: apt-get install chromium"

_CONTRAST = """
    () => {
      const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
      const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
      };
      const part = (value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      };
      const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
      const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
          const colour = rgba(getComputedStyle(each).backgroundColor);
          if (colour[3] === 255) return colour;
        }
        return [255, 255, 255, 255];
      };
      const found = [];
      let seen = 0;
      for (const element of document.body.querySelectorAll("*")) {
        const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        const field = element.matches("input, textarea, select") && element.value;
        const box = element.getBoundingClientRect();
        if (!(own || field) || box.width < 2 || box.height < 2) continue;
        seen += 1;
        const style = getComputedStyle(element);
        const [a, b] = [light(rgba(style.color)), light(behind(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) {
          found.push(`${element.tagName} ${element.className} ${ratio.toFixed(2)}`);
        }
      }
      return [seen, found];
    }
"""
"""Contrast of all text on what is behind it. Source: WCAG 2.2, success criterion 1.4.3."""

_OVERLAPS = """
    (selector) => {
      const boxes = [...document.querySelectorAll(selector)]
        .map((element) => [element, element.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && box.height > 0);
      const found = [];
      boxes.forEach(([one, a], index) => {
        for (const [other, b] of boxes.slice(index + 1)) {
          if (one.contains(other) || other.contains(one)) continue;
          if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1
              && b.top < a.bottom - 1) {
            found.push(`${one.textContent} / ${other.textContent}`);
          }
        }
      });
      return [boxes.length, found];
    }
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window. A sandbox is not to be had as root, as in most containers."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def texts_with_little_contrast(page: Page) -> tuple[int, list[str]]:
    """How many elements with text there are, and those whose contrast is below 4.5."""
    seen, found = page.evaluate(_CONTRAST)
    return seen, found


def overlaps(page: Page, selector: str) -> tuple[int, list[str]]:
    """How many boxes there are, and the pairs that lie on each other."""
    count, found = page.evaluate(_OVERLAPS, selector)
    return count, found


def different_rows(png: bytes) -> int:
    """How many different rows of a picture there are, by their bytes: 2 or so where it is blank."""
    data, place, width, depth = b"", 8, 0, 0
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, content = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width = struct.unpack(">I", content[:4])[0]
            depth = {2: 3, 6: 4}[content[9]]
        if kind == b"IDAT":
            data += content
        place += 12 + length
    rows, step = zlib.decompress(data), width * depth + 1
    return len({rows[start : start + step] for start in range(0, len(rows), step)})
