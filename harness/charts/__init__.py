"""Values as Vega-Lite or PNG; knows nothing of cases."""
