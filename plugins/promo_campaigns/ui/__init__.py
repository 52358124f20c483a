"""The pages inside Airflow: JSON routes under ``/promo``, and the ES modules in ``static`` that show them.

``registration`` is what the plugin hands to Airflow. ``app`` puts the routes together, ``rights`` asks Airflow's auth
manager, ``page_store`` is the way to the promo database; each page has a module of routes in ``routes``.
"""

__all__ = ["registration"]
