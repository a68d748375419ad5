"""The parts of a case's summary that only some cases have, each made from its trials."""
