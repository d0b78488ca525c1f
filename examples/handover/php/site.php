<?php
// A market's site with people, passwords and sessions of its own. Every page uses these functions.

const SHOPS = [10 => 'North Stall', 20 => 'South Stall'];

ini_set('display_errors', '0'); // What went wrong is for the log.
session_start([
    'name' => 'market',
    'use_strict_mode' => true,
    'cookie_httponly' => true,
    // "Strict" would hide the session from a request that another site caused, and so from the one that an app caused.
    'cookie_samesite' => 'Lax',
    'cookie_secure' => (bool) getenv('SITE_HTTPS'),
]);
$_SESSION['csrf'] ??= bin2hex(random_bytes(32));
// Forms carry a secret of the session, so that another site cannot send them.
if ($_SERVER['REQUEST_METHOD'] === 'POST' && !hash_equals($_SESSION['csrf'], $_POST['csrf'] ?? '')) {
    refuse(403);
}

/** The people of the site by id: those of people.php, with what the staff changed since. */
function people(?array $changed = null): array
{
    $file = (getenv('SITE_DATA') ?: __DIR__.'/data').'/people.json';
    if ($changed !== null) {
        is_dir(dirname($file)) || mkdir(dirname($file), 0700, true);
        file_put_contents($file, json_encode($changed), LOCK_EX);
        return $changed;
    }
    return is_file($file) ? json_decode(file_get_contents($file), true) : require __DIR__.'/people.php';
}

/** The person who is signed in. */
function current_person(): ?array
{
    return people()[$_SESSION['person'] ?? 0] ?? null;
}

/** What Hallpass hears of a person. */
function described(array $person, int $signed_in_at): array
{
    $shops = [];
    foreach ($person['shops'] as $id => $role) {
        $shops[] = ['id' => (string) $id, 'name' => SHOPS[$id], 'role' => $role];
    }
    return [
        'subject' => (string) $person['id'], 'email' => $person['username'].'@market.example', 'email_verified' => true,
        'name' => $person['name'], 'auth_time' => $signed_in_at, 'organizations' => $shops,
    ];
}

/**
 * Calls /handover/people/…, to tell Hallpass what happens to a person later, or to show the apps that they connected.
 * Null for somebody whom Hallpass does not know: they never connected an app.
 */
function people_api(string $method, string|int ...$path): ?array
{
    $path = implode('/', array_map(fn ($part) => rawurlencode((string) $part), $path));
    $stream = fopen(getenv('HALLPASS_URL')."/handover/people/$path", 'r', false, stream_context_create(['http' => [
        'method' => $method, 'timeout' => 10, 'ignore_errors' => true,
        'header' => [
            'Authorization: Bearer '.getenv('HALLPASS_HANDOVER_SECRET'),
            'Accept-Language: '.($_SERVER['HTTP_ACCEPT_LANGUAGE'] ?? 'en'),
        ],
    ]])) ?: throw new RuntimeException('Hallpass does not answer');
    $status = (int) explode(' ', stream_get_meta_data($stream)['wrapper_data'][0])[1];
    $body = stream_get_contents($stream);
    return match ($status) {
        200, 201 => json_decode($body, true, flags: JSON_THROW_ON_ERROR),
        204, 404 => null,
        default => throw new RuntimeException("Hallpass answered $status: $body"),
    };
}

function e(string|int $text): string
{
    return htmlspecialchars((string) $text, ENT_QUOTES);
}

function page(string $title, string $main, int $status = 200): never
{
    http_response_code($status);
    $links = '<a href="/login">Sign in</a>';
    if ($person = current_person()) {
        $staff = empty($person['staff']) ? '' : '· <a href="/people">People</a>';
        $links = e($person['name'])." · <a href=\"/connected-apps\">Connected apps</a> $staff · <a href=\"/logout\">Sign out</a>";
    }
    exit(<<<HTML
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>$title · The Market</title>
        <header><a href="/">The Market</a> $links</header>
        <main><h1>$title</h1>$main</main>
        HTML);
}

/** A form of this site. */
function form(string $fields): string
{
    return '<form method="post"><input type="hidden" name="csrf" value="'.e($_SESSION['csrf']).'">'.$fields.'</form>';
}

function go(string $address): never
{
    header('Cache-Control: no-store');
    header("Location: $address", true, 303);
    exit;
}

/** To the login, and back to this page. */
function ask_to_sign_in(): never
{
    go('/login?next='.rawurlencode($_SERVER['REQUEST_URI']));
}

function refuse(int $status): never
{
    http_response_code($status);
    exit("This is not possible ($status).");
}
