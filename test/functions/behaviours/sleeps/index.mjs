export const handler = (event) => new Promise((resolve) => setTimeout(() => resolve(event), event.ms));
