"""From analysed cases to pages, figures and summaries; needs neither torch nor scenarios."""
