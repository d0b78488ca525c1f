// Calls an API with a token from the keeper.

const { KEEPER_URL, KEEPER_SECRET, CONNECTION, API_URL } = process.env;

/** A live access token. `refused` is a token that the API refused. */
async function token(connection, refused) {
  const path = connection.split('/').map(encodeURIComponent).join('/');
  const query = refused ? `?refused=${encodeURIComponent(refused.slice(-8))}` : '';
  const headers = { authorization: `Bearer ${KEEPER_SECRET}` };
  const answer = await fetch(`${KEEPER_URL}/token/${path}${query}`, { headers });
  const body = await answer.json();
  switch (answer.status) {
    case 200: return body.access_token;
    case 404: throw new Error(`${connection} is not connected, or this program may not use it`);
    case 409: throw new Error(`the user must connect ${connection} again: ${body.reason}`);
    case 503: throw new Error(`no token now (${body.reason ?? 'busy'}): ask again in ${body.retry_after} s`);
    default: throw new Error(`the keeper answers ${answer.status}: ${body.message}`);
  }
}

/** The API's answer. If the API refuses the token, another one is tried, once. */
async function call(connection, url) {
  let access = await token(connection);
  const ask = () => fetch(url, { headers: { authorization: `Bearer ${access}` } });
  let answer = await ask();
  if (answer.status === 401) {
    access = await token(connection, access);
    answer = await ask();
  }
  if (!answer.ok) throw new Error(`the API answers ${answer.status}`);
  return answer.json();
}

try {
  console.log(JSON.stringify(await call(CONNECTION, API_URL)));
} catch (error) {
  console.error(error.cause ? `no answer: ${error.cause.message}` : error.message);
  process.exitCode = 1;
}
