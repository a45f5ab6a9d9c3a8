import { defaultSchema, host } from '../common-fields.ts'
import type { SourceType, TextForm } from '../source-type.ts'

const WAREHOUSE_ID: TextForm = {
  description: 'the ID of a SQL warehouse, not its path',
  pattern: '[^/:;?#@\\\\]+',
  notations: [
    // The HTTP path, a JDBC URL with it, and the address of the web console.
    { pattern: '(?:.*[/=])?sql/(?:1\\.0/)?(?:warehouses|endpoints)/([A-Za-z0-9_-]+)(?:[/?#;].*)?', meant: '$1' },
  ],
}

export const databricks: SourceType = {
  name: 'databricks',
  label: 'Databricks',
  driver: 'databricks-rest',
  fields: {
    host: { ...host, description: 'Hostname of the workspace, for example x.cloud.databricks.com.' },
    api_key: {
      label: 'API key',
      kind: 'token',
      secret: true,
      required: true,
      description: 'Access token of a user or service principal.',
    },
    warehouse_id: {
      label: 'Warehouse ID',
      kind: 'text',
      secret: false,
      required: true,
      description: 'SQL warehouse that runs the queries.',
      form: WAREHOUSE_ID,
    },
    default_catalog: {
      label: 'Default catalog',
      kind: 'text',
      secret: false,
      required: true,
      description: 'Catalog in which schemas are looked up first.',
    },
    default_schema: defaultSchema,
  },
  rules: [],
}
