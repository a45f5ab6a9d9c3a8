import type { SourceType, TextForm } from '../source-type.ts'

const PROJECT_ID: TextForm = {
  description: 'a project ID',
  notations: [
    { pattern: '(?:.*/)?projects/([^/]+)(?:/.*)?', meant: '$1' },
    { pattern: 'https?://.*[?&]project=([a-z0-9:.-]+).*', meant: '$1' },
    { pattern: '([a-z][a-z0-9-]*)[:.][A-Za-z0-9_]+', meant: '$1' },
  ],
}

const DATASET_ID: TextForm = {
  description: 'a dataset ID without its project',
  notations: [
    { pattern: '(?:.*/)?projects/[^/]+/datasets/([^/]+)', meant: '$1' },
    { pattern: '`?[a-z][a-z0-9.:-]*`?[:.]`?([A-Za-z0-9_]+)`?', meant: '$1' },
  ],
}

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
      form: PROJECT_ID,
    },
    default_dataset: {
      label: 'Default dataset',
      kind: 'text',
      secret: false,
      required: true,
      description: 'Dataset in which tables are looked up first.',
      aliases: ['default_dataset_id'],
      form: DATASET_ID,
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
