import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressPolicy } from './public-address.ts';
import { checkWebhookUrl } from './webhook-url.ts';

const strict = { allowHttp: false, addressPolicy: createAddressPolicy({ allowNetworks: [] }) };
const dev = { allowHttp: true, addressPolicy: createAddressPolicy({ allowNetworks: [], allowLoopback: true }) };

test('takes https URLs of public hosts, as the parser writes them', () => {
  const taken: Record<string, string> = {
    'https://your-app.com/webhooks/broxi': 'https://your-app.com/webhooks/broxi',
    'https://example.com': 'https://example.com/',
    'HTTPS://Example.COM:443/a?b=c%20d': 'https://example.com/a?b=c%20d',
    'https://example.com:8443/x@y': 'https://example.com:8443/x@y',
    'https://93.184.216.34/': 'https://93.184.216.34/',
    'https://[2606:4700:4700::1111]/': 'https://[2606:4700:4700::1111]/',
    'https://bücher.example/ä': 'https://xn--bcher-kva.example/%C3%A4',
    'https://localhost.example.com/': 'https://localhost.example.com/',
  };
  for (const [text, url] of Object.entries(taken)) assert.deepEqual(checkWebhookUrl(text, strict), { url }, text);
});

test('refuses everything else, and says why', () => {
  const refused: [string, RegExp][] = [
    ['http://example.com/', /https:\/\/$/],
    ['ftp://example.com/', /https/],
    ['//example.com/', /https/],
    ['example.com', /https/],
    ['', /https/],
    ['https:example.com', /https/],
    ['https:\\\\example.com', /https/],
    ['https://example.com\\@127.0.0.1/', /backslash/],
    ['https://', /host/],
    ['https:///x', /host/],
    ['https://:443/', /valid/],
    ['https://a b/', /white space/],
    [' https://a.com', /white space/],
    ['https://a.com/\n', /white space/],
    ['https://a.com/\u0000', /control/],
    ['https://a.com/\u00a0', /white space/],
    ['https://a.com/\ud800', /Unicode/],
    ['https://u@a.com/', /user name/],
    ['https://u:p@a.com/', /user name/],
    ['https://@a.com/', /user name/],
    ['https://a.com/#f', /fragment/],
    ['https://a.com/#', /fragment/],
    ['https://a.com:99999/', /valid/],
    ['https://1.2.3.4.5/', /valid/],
    ['https://127.0.0.1/', /loopback/],
    ['https://0x7f.1/', /loopback/],
    ['https://2130706433/', /loopback/],
    ['https://017700000001/', /loopback/],
    ['https://127.0.0.1./', /loopback/],
    ['https://１２７.0.0.1/', /loopback/],
    ['https://127。0。0。1/', /loopback/],
    ['https://[::1]/', /loopback/],
    ['https://[::ffff:127.0.0.1]/', /loopback/],
    ['https://[::ffff:7f00:1]:8080/', /loopback/],
    ['https://0/', /unspecified/],
    ['https://10.1.2.3/', /private/],
    ['https://169.254.169.254/latest', /metadata/],
    ['https://[fd00:ec2::254]/', /metadata/],
    ['https://localhost/', /this machine/],
    ['https://LOCALHOST:1/', /this machine/],
    ['https://a.localhost/', /this machine/],
    ['https://ⓛocalhost/', /this machine/],
    ['https://localhost./', /dot/],
    ['https://example.com./', /dot/],
    ['https://a..b/', /empty part/],
    ['https://%6c%6f%63%61lhost/', /this machine/],
    ['https://metadata.google.internal/', /metadata/],
    ['https://METADATA/', /metadata/],
  ];
  for (const [text, reason] of refused) {
    const checked = checkWebhookUrl(text, strict);
    assert.ok('problem' in checked && reason.test(checked.problem), `${text}: ${JSON.stringify(checked)}`);
  }
});

test('where http and loopback are allowed, metadata and private hosts stay shut', () => {
  for (const url of [
    'http://localhost:3000/',
    'http://127.0.0.1:3000/x',
    'http://[::1]/',
    'http://a.localhost/',
    'https://example.com/',
  ]) {
    assert.deepEqual(checkWebhookUrl(url, dev), { url });
  }
  for (const url of ['http://metadata.google.internal/', 'http://10.0.0.1/', 'http://0.0.0.0/', 'ws://localhost/']) {
    assert.ok('problem' in checkWebhookUrl(url, dev), url);
  }
});

test('is 2,048 characters at most, before and after encoding', () => {
  const start = 'https://example.com/';
  assert.ok('url' in checkWebhookUrl(start.padEnd(2048, 'x'), strict));
  assert.ok('problem' in checkWebhookUrl(start.padEnd(2049, 'x'), strict));
  assert.ok('problem' in checkWebhookUrl(start.padEnd(1000, 'ä'), strict));
});
