# Makes of spec/openapi.yaml what a newer document of the vendor's might be: a field of apps, an operation on them, and a
# group that is no feature. No file of the vendor's is its origin.
/^x-origin:$/,/^servers:$/ { /^servers:$/! d }
/^    \(App\|CreateAppRequest\):$/,/^      properties:$/ s/^      properties:$/&\
        nickname:\
          type: string/
s/^paths:$/&\
  \/api\/v1\/apps\/{id}\/pin:\
    post:\
      operationId: apps.pin\
      tags:\
      - apps\
      parameters:\
      - name: id\
        in: path\
        required: true\
        schema:\
          type: string\
      responses:\
        '200':\
          content:\
            application\/json:\
              schema:\
                $ref: '#\/components\/schemas\/GetAppResponse'\
          description: POST answered.\
  \/api\/v1\/invoices:\
    post:\
      operationId: billing.create_invoice\
      tags:\
      - billing\
      requestBody:\
        content:\
          application\/json:\
            schema:\
              $ref: '#\/components\/schemas\/Invoice'\
      responses:\
        '200':\
          content:\
            application\/json:\
              schema:\
                $ref: '#\/components\/schemas\/Invoice'\
          description: POST answered./
s/^  schemas:$/&\
    Invoice:\
      type: object\
      required:\
      - customer\
      properties:\
        cents:\
          type: string\
          format: int64\
        customer:\
          type: string/
