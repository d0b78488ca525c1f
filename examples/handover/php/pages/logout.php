<?php

$person = current_person() ?? go('/');
if ($_SERVER['REQUEST_METHOD'] === 'GET') {
    page('Sign out?', form('<button>Sign out</button>'));
}

$_SESSION = [];
session_regenerate_id(true);
try {
    people_api('POST', $person['id'], 'sign-out');
} catch (RuntimeException $error) {
    error_log($error);
}
go('/');
