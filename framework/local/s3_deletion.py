"""S3's DeleteObjects, whose body names many keys: read it, shorten it, answer for those denied.

Source: S3 API reference, "DeleteObjects": a key that may not be deleted is an `Error` in the
answer, the others are deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple
from xml.etree import ElementTree

from framework.local.http_messages import Request, Response
from framework.local.needs import Need, Unsupported

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_OF_THE_BODY = ("content-md5", "content-length", "x-amz-content-sha256")


class Item(NamedTuple):
    """One object to delete, or one version of it."""

    key: str
    version: str = ""

    def need(self, bucket: str) -> Need:
        """The permission that deleting it needs; `bucket` is the bucket's ARN."""
        action = "s3:DeleteObjectVersion" if self.version else "s3:DeleteObject"
        return Need(action, f"{bucket}/{self.key}")


class Deletion(NamedTuple):
    """The body of a request."""

    items: tuple[Item, ...]
    quiet: bool


def read(body: bytes) -> Deletion:
    """What a body asks to delete. Raises `Unsupported` when it is no such body."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise Unsupported("S3's POST ?delete with a body that is no XML") from None
    items = [
        Item(_text(element, "Key"), _text(element, "VersionId"))
        for element in root.iterfind("{*}Object")
    ]
    return Deletion(tuple(items), _text(root, "Quiet") == "true")


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""


def request(original: Request, deletion: Deletion, items: Iterable[Item]) -> Request:
    """The request for some of its items alone."""
    root = ElementTree.Element("Delete", xmlns=_NAMESPACE)
    for item in items:
        element = ElementTree.SubElement(root, "Object")
        ElementTree.SubElement(element, "Key").text = item.key
        if item.version:
            ElementTree.SubElement(element, "VersionId").text = item.version
    ElementTree.SubElement(root, "Quiet").text = "true" if deletion.quiet else "false"
    headers = tuple(
        (name, value)
        for name, value in original.headers
        if name not in _OF_THE_BODY and not name.startswith("x-amz-checksum-")
    )
    return replace(original, headers=headers, body=ElementTree.tostring(root))


def answer(passed: bytes, denied: Iterable[Item]) -> Response:
    """The cloud's answer (empty where it was not asked) with an error for each item denied."""
    root = ElementTree.fromstring(passed) if passed else ElementTree.Element("DeleteResult")
    for item in denied:
        element = ElementTree.SubElement(root, _like(root, "Error"))
        ElementTree.SubElement(element, _like(root, "Key")).text = item.key
        if item.version:
            ElementTree.SubElement(element, _like(root, "VersionId")).text = item.version
        ElementTree.SubElement(element, _like(root, "Code")).text = "AccessDenied"
        ElementTree.SubElement(element, _like(root, "Message")).text = "Access Denied"
    body = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return Response(200, (("content-type", "application/xml"),), body)


def _like(root: ElementTree.Element, name: str) -> str:
    """`name` in the namespace that `root` has, if any."""
    namespace, brace, _ = root.tag.rpartition("}")
    return f"{namespace}{brace}{name}"
