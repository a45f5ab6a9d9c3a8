/**
 * The path of a secret within its mount. The template is the setting `vault.path`, for example `data-sources/{id}` or
 * `{organization_id}/data-sources/{id}`.
 */
export function secretPath(
  template: string,
  { organizationId, secretId }: { organizationId: string; secretId: string },
): string {
  return template.replaceAll('{id}', secretId).replaceAll('{organization_id}', organizationId)
}

/** The part of a path template before its first placeholder. The paths of all secrets begin with it. */
export function commonSecretPath(template: string): string {
  return template.slice(0, template.search(/\{(id|organization_id)\}/))
}
