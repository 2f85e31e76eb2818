import { ALIASES } from './aliases.ts';
import { CODE_SIGNING } from './code-signing.ts';
import { deleteFunctionConcurrency, getFunctionConcurrency, putFunctionConcurrency } from './concurrency.ts';
import { createFunction } from './create-function.ts';
import { deleteFunction } from './delete-function.ts';
import { EVENT_INVOKE_CONFIG } from './event-invoke-config.ts';
import { EVENT_SOURCE_MAPPINGS } from './event-source-mappings.ts';
import { FUNCTION_EXTRAS } from './function-extras.ts';
import { getFunction, getFunctionConfiguration } from './get-function.ts';
import { LAYER_PERMISSIONS } from './layer-permissions.ts';
import { LAYERS } from './layers.ts';
import { listFunctions, listVersionsByFunction } from './list-functions.ts';
import type { Operations } from './operation.ts';
import { PERMISSIONS } from './permissions.ts';
import { PROVISIONED } from './provisioned.ts';
import { listTags, tagResource, untagResource } from './tags.ts';
import { UNSERVED } from './unserved.ts';
import { updateFunctionCode, updateFunctionConfiguration } from './update-function.ts';
import { URL_CONFIG } from './url-config.ts';
import { publishVersion } from './versions.ts';

/** Operations of the model that the gateway serves. */
export const INVOCATIONS: readonly string[] = ['Invoke', 'InvokeAsync', 'InvokeWithResponseStream'];

/** Every other operation of the model. */
export const OPERATIONS: Operations = {
  CreateFunction: createFunction,
  GetFunction: getFunction,
  GetFunctionConfiguration: getFunctionConfiguration,
  UpdateFunctionCode: updateFunctionCode,
  UpdateFunctionConfiguration: updateFunctionConfiguration,
  ListFunctions: listFunctions,
  ListVersionsByFunction: listVersionsByFunction,
  PublishVersion: publishVersion,
  DeleteFunction: deleteFunction,
  PutFunctionConcurrency: putFunctionConcurrency,
  GetFunctionConcurrency: getFunctionConcurrency,
  DeleteFunctionConcurrency: deleteFunctionConcurrency,
  ListTags: listTags,
  TagResource: tagResource,
  UntagResource: untagResource,
  ...ALIASES,
  ...URL_CONFIG,
  ...PERMISSIONS,
  ...LAYERS,
  ...LAYER_PERMISSIONS,
  ...PROVISIONED,
  ...EVENT_INVOKE_CONFIG,
  ...EVENT_SOURCE_MAPPINGS,
  ...CODE_SIGNING,
  ...FUNCTION_EXTRAS,
  ...UNSERVED,
};
