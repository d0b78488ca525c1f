<?php

$wrong = '';
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    foreach (people() as $person) {
        if ($person['username'] === ($_POST['username'] ?? '') && password_verify($_POST['password'] ?? '', $person['password'])) {
            $_SESSION = [];
            session_regenerate_id(true);
            $_SESSION['person'] = $person['id'];
            $_SESSION['signed_in_at'] = time();
            // Only a path of this site.
            $next = $_GET['next'] ?? '';
            go(preg_match('~^/(?![/\\\\])[!-\~]*$~D', $next) ? $next : '/');
        }
    }
    $wrong = '<p role="alert">This name and password do not belong together.</p>';
}

page('Sign in', $wrong.form(<<<'HTML'
    <label>Name <input name="username" autocomplete="username" required></label>
    <label>Password <input type="password" name="password" autocomplete="current-password" required></label>
    <button>Sign in</button>
    HTML), $wrong ? 401 : 200);
