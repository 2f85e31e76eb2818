import { storeContract } from '../../test/contracts/store.contract.ts';
import { memoryStore } from './memory-store.ts';

storeContract('memory', async () => memoryStore(), Date.now);
