"""NEWS2, the National Early Warning Score 2 (Royal College of Physicians, London 2017)."""
