"""npm packages in use: the apps, what they have to answer, and how they are bundled."""
