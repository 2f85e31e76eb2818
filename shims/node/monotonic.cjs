'use strict';

/** Milliseconds of CLOCK_MONOTONIC, which all processes of a machine share. */
const nowMs = () => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
};

module.exports = { nowMs };
