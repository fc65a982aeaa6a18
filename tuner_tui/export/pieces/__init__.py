"""The parts a stand-alone script is made of: real modules, so that they are checked; their text is what leaves."""
