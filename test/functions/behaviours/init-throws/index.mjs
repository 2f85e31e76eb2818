throw new TypeError('init is broken');
