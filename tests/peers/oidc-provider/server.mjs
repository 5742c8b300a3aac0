// A C1 tenant as far as tokens go, played by oidc-provider: C1's paths and client ids, the provider's own checks.
//
// It listens on a port of 127.0.0.1, says so in a line `ready PORT`, and ends when its standard input does. The one
// argument is JSON: `key`, the public key of the clients that sign (base64url), and `nonces`, whether DPoP wants them.
//
// Besides C1's paths there are those of the test itself, under /peer: what was asked so far, a subject token to
// exchange, and the person who approves or denies a device.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { SignJWT, generateKeyPair, jwtVerify } from 'jose';
import Provider, { errors } from 'oidc-provider';

// The package keeps these to itself; with its version pinned, the API below can check tokens with the same code as
// the provider's own endpoints.
import { applyDpopBinding } from './node_modules/oidc-provider/lib/helpers/grant_common.js';
import validateDpop, { checkDpopReplay } from './node_modules/oidc-provider/lib/helpers/validate_dpop.js';
import wwwAuthenticate from './node_modules/oidc-provider/lib/shared/set_www_authenticate_header.js';

const { key, nonces } = JSON.parse(process.argv[2]);
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const HOST = '127.0.0.1';

const server = createServer();
server.listen(0, HOST);
await once(server, 'listening');
const { port } = server.address();
const issuer = `http://${HOST}:${port}`;

const client = (client_id, grant, rest) => ({
  client_id, grant_types: [grant], response_types: [], redirect_uris: [], ...rest,
});
const signing = {
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', use: 'sig', x: key }] },
};
const open = { token_endpoint_auth_method: 'none' };

const provider = new Provider(issuer, {
  routes: { token: '/auth/v1/token', device_authorization: '/auth/v1/device_authorization' },
  clients: [
    client(`peer@${HOST}:${port}/spc`, 'client_credentials', signing),
    // Known here, but what it signs is for another host.
    client('peer@elsewhere.conductor.one/spc', 'client_credentials', signing),
    client(`trust@${HOST}:${port}/wfe`, EXCHANGE, open),
    client(`device@${HOST}:${port}/pcc`, DEVICE, { ...open, application_type: 'native' }),
  ],
  cookies: { keys: [randomBytes(16).toString('hex')] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    dPoP: nonces
      ? { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true }
      : { enabled: true },
  },
  ttl: {
    AccessToken: 600, ClientCredentials: 600, DeviceCode: 600, Grant: 600,
  },
});

// C1's audience is the bare host, and nothing else is.
provider.OIDCContext.prototype.clientJwtAuthExpectedAudience = () => new Set([HOST]);

// A stranger's identity provider, whose tokens the trust takes.
const idp = { name: 'https://idp.example', ...await generateKeyPair('EdDSA') };

const exchange = async (ctx) => {
  const { client: trust, params } = ctx.oidc;
  if (params.subject_token_type !== JWT) {
    throw new errors.InvalidRequest('subject_token_type must be a JWT\'s');
  }
  await jwtVerify(params.subject_token ?? '', idp.publicKey, {
    issuer: idp.name, audience: HOST, maxTokenAge: '10m',
  }).catch((cause) => { throw new errors.InvalidGrant('subject token refused', undefined, { cause }); });
  const token = new provider.ClientCredentials({ client: trust });
  await applyDpopBinding(provider, ctx, await validateDpop(provider, ctx), token);
  ctx.body = {
    access_token: await token.save(),
    expires_in: token.expiration,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: token.tokenType,
  };
};
provider.registerGrantType(EXCHANGE, exchange, ['subject_token', 'subject_token_type'], []);

// The API: whose token is good gets an empty page.
const authenticate = async (ctx) => {
  ctx.oidc = new provider.OIDCContext(ctx);
  // It is no route of the provider's, which therefore has no name for the URL that a proof must tell.
  ctx.oidc.urlFor = () => `${issuer}${ctx.path}`;
  await wwwAuthenticate()(ctx, async () => {
    const value = ctx.oidc.getAccessToken({ acceptDPoP: true });
    const proof = await validateDpop(provider, ctx, value);
    const token = await provider.ClientCredentials.find(value) ?? await provider.AccessToken.find(value);
    ctx.assert(token, new errors.InvalidToken('access token not found'));
    ctx.oidc.entity('AccessToken', token);
    await checkDpopReplay(provider, ctx, proof, token.clientId, errors.InvalidToken);
    ctx.assert(token.jkt === proof?.thumbprint, new errors.InvalidToken('failed jkt verification'));
  });
};
const api = async (ctx) => {
  try {
    await authenticate(ctx);
  } catch (error) {
    if (!error.expose) throw error;
    ctx.status = error.statusCode;
    ctx.reason = error.error_detail;
    ctx.body = { code: 16, message: error.error_description, details: [] };
    return;
  }
  if (ctx.method === 'GET' && ctx.path === '/api/v1/apps') {
    ctx.body = { list: [], nextPageToken: '' };
  } else {
    ctx.status = 404;
    ctx.body = { code: 5, message: 'Not Found', details: [] };
  }
};

const person = async (ctx, decide) => {
  const userCode = ctx.query.user_code.toUpperCase().replace(/\W/g, '');
  const code = await provider.DeviceCode.findByUserCode(userCode);
  ctx.assert(code, 404);
  await decide(code);
  await code.save();
  ctx.status = 204;
};
const requests = [];
const peer = {
  '/peer/requests': (ctx) => { ctx.body = requests; },
  '/peer/subject_token': async (ctx) => {
    ctx.body = await new SignJWT({ sub: 'job' }).setProtectedHeader({ alg: 'EdDSA' })
      .setIssuer(idp.name).setAudience(ctx.query.audience ?? HOST).setIssuedAt().setExpirationTime('5m')
      .sign(idp.privateKey);
  },
  '/peer/approve': (ctx) => person(ctx, async (code) => {
    const grant = new provider.Grant({ clientId: code.clientId, accountId: 'person' });
    Object.assign(code, { accountId: 'person', grantId: await grant.save() });
  }),
  '/peer/deny': (ctx) => person(ctx, (code) => Object.assign(code, { error: 'access_denied' })),
};

// It tells clients less than it knows.
provider.on('grant.error', (ctx, error) => { ctx.reason = error.error_detail; });

provider.use(async (ctx, next) => {
  if (peer[ctx.path]) {
    await peer[ctx.path](ctx);
    return;
  }
  await (ctx.path.startsWith('/api/') ? api(ctx) : next());
  requests.push(`${ctx.method} ${ctx.path} ${ctx.status}${ctx.reason ? `: ${ctx.reason}` : ''}`);
});

server.on('request', provider.callback());
process.stdin.resume().on('end', () => {
  server.close();
  server.closeAllConnections();
});
console.log(`ready ${port}`);
