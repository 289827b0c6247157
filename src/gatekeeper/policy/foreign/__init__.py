"""Files of other tools, read as they are: a module for each format, which makes objectives of ours from it."""
