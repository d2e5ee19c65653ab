"""Trying every configured model for real, and judging what comes back: ``manage.py check_providers``. ◇"""
