throw new TypeError('during init');
