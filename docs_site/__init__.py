"""The documentation site: the pages of ``docs/``, and those that are made from the code and from a run.

``make docs`` (``python -m docs_site``) puts a copy of the pages and what it makes itself into
``build/site_source/``, lets Zensical make the site in ``build/site/``, and reads every page of it: no link
leads nowhere, and nothing is loaded from another machine.
"""
