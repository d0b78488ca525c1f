<?php
// Every page of the site. `php -S 127.0.0.1:9500 -t public` sends all requests here.
require __DIR__.'/../site.php';

$page = [
    '/' => 'pages/home.php',
    '/login' => 'pages/login.php',
    '/logout' => 'pages/logout.php',
    '/connect/sign-in' => 'connect.php',
    '/connected-apps' => 'pages/connected-apps.php',
    '/people' => 'pages/people.php',
][parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/'] ?? refuse(404);

require __DIR__."/../$page";
