"""Three questions in order: may this sender, which number, which attachment. The answer is a value."""
