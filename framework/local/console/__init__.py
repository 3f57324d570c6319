"""The web page of local mode under /_services: a diagram, live requests, what is denied, two forms.

In: the running service's model and events. Out: `console.Console`, which answers requests for the
page, and `history.History`, the only part that runs while nobody looks. `mount` says where the page
stands, `guard` who may see it. Everything but `mount` and `history` is imported with the first look
at the page.
"""
