import type { SourceType } from '../source-type.ts'

export const bigquery: SourceType = {
  name: 'bigquery',
  label: 'BigQuery',
  driver: 'bigquery-rest',
  fields: {
    service_account_key: {
      label: 'Service account key',
      kind: 'service-account-key',
      secret: true,
      required: true,
      description: 'Key of a service account: the JSON file from Google Cloud.',
      aliases: ['credentials_json', 'service_role_key'],
    },
    project_id: {
      label: 'Project ID',
      kind: 'text',
      secret: false,
      required: false,
      description: 'Project that runs the queries.',
      aliases: ['default_project_id'],
    },
    default_dataset: {
      label: 'Default dataset',
      kind: 'text',
      secret: false,
      required: true,
      description: 'Dataset in which tables are looked up first.',
      aliases: ['default_dataset_id'],
    },
    location: {
      label: 'Location',
      kind: 'text',
      secret: false,
      required: false,
      description: 'Location to run queries in, for example EU.',
    },
  },
  rules: [{ kind: 'derived', field: 'project_id', from: 'service_account_key', key: 'project_id' }],
}
