// SPDX-License-Identifier: MIT
// npm `jose` both ways: its tokens verify here, ours there. Run by interop.sh, which installs it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(resolve(process.argv[2], 'index.js'));
const jose = await import(pathToFileURL(require.resolve('jose')));
const PORTLIC = resolve(process.env.PORTLIC_BUILD ?? 'build', 'portlic');
const DIR = mkdtempSync(join(tmpdir(), 'portlic-jose.'));
process.on('exit', () => rmSync(DIR, { recursive: true, force: true }));

const ISS = 'https://vendor.example', AUDIENCE = 'prod-1';
const CLAIMS = { iss: ISS, sub: 'customer', aud: AUDIENCE, jti: 'j-1', iat: 1700000000, exp: 4000000000,
	ver: 1, lid: 'line-1', seq: 1, ports: [{ port: 8080 }] };
let cases = 0, failed = 0;

function check(text, ok, why = '') {
	console.log(`${ok ? 'ok' : 'not ok'} ${++cases} - jose: ${text}`);
	if (!ok) {
		failed++;
		console.log(`# ${JSON.stringify(why)}`);
	}
}
function portlic(args, input = '') {
	const p = spawnSync(PORTLIC, args, { input, encoding: 'utf8' });
	return { code: p.status, out: p.stdout, err: p.stderr };
}
function verify(trust, token) {
	const r = portlic(['license', 'verify', '--trust', trust, '--audience', AUDIENCE, '-o', 'json', '-'], token);
	return { ...r, ...(r.out ? JSON.parse(r.out) : {}) };
}
const sign = (key, alg, kid, claims = CLAIMS) => new jose.SignJWT(claims)
	.setProtectedHeader({ alg, typ: 'portlic+jwt', kid }).sign(key);

// jose signs; portlic verifies.
const trust = join(DIR, 'trust');
mkdirSync(trust);
const pair = await jose.generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
const jwk = await jose.exportJWK(pair.publicKey);
const kid = await jose.calculateJwkThumbprint(jwk);
writeFileSync(join(trust, 'jose.jwks'), JSON.stringify({ iss: ISS, keys: [{ ...jwk, kid }] }));
for (const alg of ['EdDSA', 'Ed25519']) {
	const r = verify(trust, await sign(pair.privateKey, alg, kid));
	check(`its token (${alg}) is ACTIVE`, r.code === 0 && r.state === 'ACTIVE', r);
}
const stranger = await jose.generateKeyPair('EdDSA');
const bad = verify(trust, await sign(stranger.privateKey, 'EdDSA', kid));
check('one by another key is not', bad.code === 1 && bad.reason === 'bad_signature', bad);
const crit = await new jose.SignJWT(CLAIMS)
	.setProtectedHeader({ alg: 'EdDSA', typ: 'portlic+jwt', kid, b64: true, crit: ['b64'] }).sign(pair.privateKey);
const r = verify(trust, crit);
check('one with crit is not', r.code === 1 && r.reason === 'bad_header', r);

// portlic signs; jose verifies with the trust file as its JWK Set.
execFileSync(PORTLIC, ['license', 'keygen', '--iss', ISS, '--out', join(DIR, 'v')]);
const set = JSON.parse(readFileSync(join(DIR, 'v.jwks'), 'utf8'));
const keys = jose.createLocalJWKSet(set);
const rules = { issuer: ISS, audience: AUDIENCE, typ: 'portlic+jwt' };
for (const alg of ['EdDSA', 'Ed25519']) {
	const token = portlic(['license', 'sign', '--key', join(DIR, 'v.jwk'), '--alg', alg, '-'], JSON.stringify(CLAIMS)).out.trim();
	try {
		const { payload, protectedHeader } = await jose.jwtVerify(token, keys, { ...rules, algorithms: [alg] });
		check(`it reads our token (${alg}) and trust file`, isDeepStrictEqual(payload, CLAIMS) && protectedHeader.alg === alg, payload);
	} catch (e) {
		check(`it reads our token (${alg}) and trust file`, false, String(e));
	}
	await jose.jwtVerify(token.slice(0, -8) + 'AAAAAAAA', keys, rules).then(
		() => check(`... and refuses it tampered (${alg})`, false),
		(e) => check(`... and refuses it tampered (${alg})`, e.code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', String(e)));
}
check('its thumbprint is our kid', await jose.calculateJwkThumbprint(set.keys[0]) === set.keys[0].kid, set);

// Keys change hands too.
const mine = JSON.parse(readFileSync(join(DIR, 'v.jwk'), 'utf8'));
const own = join(DIR, 'own');
mkdirSync(own);
writeFileSync(join(own, 'v.jwks'), JSON.stringify(set));
const back = verify(own, await sign(await jose.importJWK(mine, 'EdDSA'), 'EdDSA', mine.kid));
check('it signs with our private JWK', back.code === 0, back);
writeFileSync(join(DIR, 'jose.jwk'), JSON.stringify(await jose.exportJWK(pair.privateKey)), { mode: 0o600 });
const theirs = portlic(['license', 'sign', '--key', join(DIR, 'jose.jwk'), '-'], JSON.stringify(CLAIMS));
const seen = verify(trust, theirs.out);
check('we sign with its private JWK', theirs.code === 0 && seen.code === 0, { theirs, seen });
process.exit(failed ? 1 : 0);
