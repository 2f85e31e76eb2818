import { handler as own } from './index.mjs';
import { holding } from './hold.mjs';

export const handler = holding(own);
