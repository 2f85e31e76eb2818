import { dirname, join } from 'node:path';

/** Settings of package managers and of the network that a user may have made; nothing else of the server's environment is passed on. */
const PASSED =
  /^(npm_config_.+|pip_.+|https?_proxy|no_proxy|all_proxy|ssl_cert_(file|dir)|requests_ca_bundle|node_extra_ca_certs|lang|lc_all)$/i;
/** What npm itself sets for the scripts it runs: it names folders that another user can't write. */
const NPMS_OWN =
  /^npm_config_(cache|userconfig|globalconfig|prefix|local_prefix|global_prefix|init_module|node_gyp|user_agent|npm_version|noproxy)$/i;

/** The environment of npm and pip. With `private` folders they get a home and caches there, else the user's own. */
export function toolEnvironment(
  server: NodeJS.ProcessEnv,
  privately: { readonly home: string; readonly cache: string } | null,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(server)) {
    if (value !== undefined && PASSED.test(name) && !NPMS_OWN.test(name)) env[name] = value;
  }
  // npm runs `node` by name.
  env['PATH'] = `${dirname(process.execPath)}:${server['PATH'] ?? ''}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`;
  env['NPM_CONFIG_UPDATE_NOTIFIER'] = 'false';
  env['PIP_DISABLE_PIP_VERSION_CHECK'] = '1';
  if (privately === null) {
    if (server['HOME'] !== undefined) env['HOME'] = server['HOME'];
    return env;
  }
  env['HOME'] = privately.home;
  env['TMPDIR'] = privately.home;
  env['NPM_CONFIG_CACHE'] = join(privately.cache, 'npm');
  env['PIP_CACHE_DIR'] = join(privately.cache, 'pip');
  return env;
}
