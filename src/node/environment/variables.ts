/** The part of the permissions of Deno that shows whether a read would be denied, or would ask the user. */
interface DenoPermissions {
  querySync(descriptor: { name: "env"; variable: string }): { readonly state: string };
}

const { Deno } = globalThis as { readonly Deno?: { readonly permissions?: DenoPermissions } };

/**
 * Reads an environment variable. Returns undefined if it is not set, or if the permissions of the runtime do
 * not allow the read. Never makes Deno ask the user for a permission.
 */
export function readVariable(name: string): string | undefined {
  try {
    const permission = Deno?.permissions?.querySync({ name: "env", variable: name });
    if (permission !== undefined && permission.state !== "granted") return undefined;
    return process.env[name];
  } catch {
    return undefined;
  }
}
