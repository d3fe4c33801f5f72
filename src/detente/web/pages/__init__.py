"""Pages, a file each: its route, what it shows and the shape of its JSON twin; the template and the
script that bear its name are in ``templates/`` and ``static/js/``. What several share is in
``web/shapes.py``, ``web/links.py`` and ``web/dated.py``."""
