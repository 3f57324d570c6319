"""Imports what is there and what is not."""

import json
import os.path

import boto3
import numpy as np
import requests.adapters
from app import main as other

try:
    import orjson
except ImportError:
    orjson = None


def main(event, context):
    import pandas

    return json, os, boto3, np, requests, other, orjson, pandas
