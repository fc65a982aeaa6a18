"""Reads other tools' configurations into recipes; a key that is not understood is listed, never dropped."""
