import { getAccountSettings, getFunctionCodeSigningConfig } from './account.ts';
import { deleteFunctionConcurrency, getFunctionConcurrency, putFunctionConcurrency } from './concurrency.ts';
import { createFunction } from './create-function.ts';
import { deleteFunction } from './delete-function.ts';
import { getFunction, getFunctionConfiguration } from './get-function.ts';
import { listFunctions, listVersionsByFunction } from './list-functions.ts';
import type { Operation } from './operation.ts';
import { listTags, tagResource, untagResource } from './tags.ts';
import { updateFunctionCode, updateFunctionConfiguration } from './update-function.ts';
import {
  createFunctionUrlConfig,
  deleteFunctionUrlConfig,
  getFunctionUrlConfig,
  listFunctionUrlConfigs,
  updateFunctionUrlConfig,
} from './url-config.ts';

/** Every operation of Lambda's API that is served here; invocations are the gateway's. */
export const OPERATIONS: readonly Operation[] = [
  createFunction,
  getFunction,
  getFunctionConfiguration,
  updateFunctionCode,
  updateFunctionConfiguration,
  listFunctions,
  listVersionsByFunction,
  deleteFunction,
  putFunctionConcurrency,
  getFunctionConcurrency,
  deleteFunctionConcurrency,
  createFunctionUrlConfig,
  getFunctionUrlConfig,
  updateFunctionUrlConfig,
  deleteFunctionUrlConfig,
  listFunctionUrlConfigs,
  listTags,
  tagResource,
  untagResource,
  getAccountSettings,
  getFunctionCodeSigningConfig,
];
