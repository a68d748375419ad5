"""Starting, asking and stopping the interpreter that measures; the machine it runs on."""
