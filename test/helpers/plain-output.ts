// Loaded before every test file: what programs print is compared as text, also where the environment asks for colours.
delete process.env.FORCE_COLOR;
