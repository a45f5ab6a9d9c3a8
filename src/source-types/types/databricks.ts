import { defaultSchema, host } from '../common-fields.ts'
import type { SourceType } from '../source-type.ts'

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
