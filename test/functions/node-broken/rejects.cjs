Promise.reject(new Error('late'));
exports.handler = async () => 1;
